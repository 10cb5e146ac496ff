"""The API's routes: the table of operations with the functions that answer."""
