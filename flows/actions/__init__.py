"""The actions that Watchkeeper may take: how each is planned, guarded, carried out once, and looked up after a crash.

An action never decides whether it may happen: the policy's gate does, before `act` is reached. One module per
system; `registry` names them all.
"""
