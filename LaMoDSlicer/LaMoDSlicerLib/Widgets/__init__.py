"""Qt helpers of several panels: tables, dialogs, windows and widgets."""
