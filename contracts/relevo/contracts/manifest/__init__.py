"""Reading lists of returnees: pure rules, from a row of text to a record or to advice."""
