"""The anonymization methods: the file ``<name>.py`` holds the method ``<name>``, found by that name."""
