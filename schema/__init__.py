"""The GraphQL schema: types, queries, mutations, subscriptions, and the limits of an operation."""
