"""The pages of the window. Each has a model without Qt and views that show it."""
