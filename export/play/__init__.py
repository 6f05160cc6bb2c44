"""`trainer play`: learns a folder of sounds while the stage plays what is known of them by then."""
