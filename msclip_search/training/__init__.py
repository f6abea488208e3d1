"""How the bundled model is made: nothing here is needed for using it.

`text` makes the text tower out of published token vectors and a lexicon.
"""
