// built by make ui
