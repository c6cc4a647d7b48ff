"""What differs between two trees: values, the comparison, and how it is written as JSON."""
