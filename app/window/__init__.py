"""The shell of the window: start, theme, shortcuts, messages. Knows no camera and no take."""
