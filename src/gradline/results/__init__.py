"""What gradline answers with: frozen records with thin methods."""
