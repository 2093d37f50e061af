"""Taking a project elsewhere: one module per format."""
