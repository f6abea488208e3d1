"""The bundled model: a small image tower and a text tower of static word vectors, without PyTorch."""
