"""Files of annotated text, a module for each format, and the corpus that is read from them."""
