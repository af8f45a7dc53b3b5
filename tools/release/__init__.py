"""Makes a release of a commit: wheel, sdist, a bill of materials for each image, and their checksums.

``make release`` runs ``python -m tools.release`` in an environment of its own (``requirements/release.txt``);
``docs/releasing.md`` says what is done with the result. Everything is made from what git has of the commit,
so that the same commit gives the same bytes elsewhere.
"""
