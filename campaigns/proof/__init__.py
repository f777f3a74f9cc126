"""The proof of a close: one zip that a third party checks without this installation."""
