"""`python -m daemon` is `rapport`."""

from rapport_daemon import main

if __name__ == "__main__":  # helpers are spawned from here too
    main()
