"""Who a person is: sign-in subject, language, and the one row that maps a member to an account."""
