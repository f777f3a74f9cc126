"""Pages of campaigns: thin views that call the room's verbs."""
