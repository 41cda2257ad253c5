"""One message type per file, each of one class, with its pinned specification URI."""
