"""The canvas: the network as it is drawn, and the tools that change it."""
