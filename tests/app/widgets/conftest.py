"""Every test here has the application with its theme, and guards against what a window may leave behind."""

from windowkit import clean_window, qapp, qapp_cls, rubbish

__all__ = ["clean_window", "qapp", "qapp_cls", "rubbish"]
