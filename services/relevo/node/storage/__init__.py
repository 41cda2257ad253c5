"""Tables, and one store per noun; rows never leave."""
