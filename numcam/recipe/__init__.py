"""How the bundled pocket network was made, from drawing its pictures to writing its file."""
