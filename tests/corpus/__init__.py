"""What is wrong on purpose, case by case, and the tables it is written from."""
