"""The tutorials' exercises, and a checker that knows the mistakes because it holds them."""
