"""The panels around the canvas. They meet in the document, the player and the selection, never each other."""
