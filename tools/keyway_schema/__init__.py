"""Reading and writing the tables of facts in schema/."""
