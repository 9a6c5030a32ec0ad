"""How good tags are, as the field counts it."""
