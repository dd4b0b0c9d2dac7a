-- An incident repeats an earlier one; a cause that was corrected corrects the link.
INSERT INTO repeats (incident_id, sign, earlier_id, cause, linked_at)
VALUES (%(incident_id)s, %(sign)s, %(earlier_id)s, %(cause)s, %(now)s)
ON CONFLICT (incident_id, sign) DO UPDATE
   SET earlier_id = EXCLUDED.earlier_id, cause = EXCLUDED.cause, linked_at = EXCLUDED.linked_at
