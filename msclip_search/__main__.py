"""`python -m msclip_search`."""

from msclip_search.cli.app import main

if __name__ == "__main__":
    main()
