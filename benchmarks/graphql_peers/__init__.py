"""What GraphQL costs beside peers, on Python and on Node: `make bench-graphql`; see `__main__`."""
