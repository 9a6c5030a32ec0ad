"""The model directory: reading it, checking it, writing it, fewer bits, the card."""
