"""pyserial URL schemes of Kalys; pyserial imports ``protocol_<scheme>`` from here."""
