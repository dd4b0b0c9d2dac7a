"""What each sender signs and sends, one module each: `parse` checks a request and makes an alert of it.

None where it is no news; refused where it is not its sender's. Nothing is stored here.
"""
