"""Exports that are painted: pictures, animations, plots and pages; and the dialog for all exports."""
