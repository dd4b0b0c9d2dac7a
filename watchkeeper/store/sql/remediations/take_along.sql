-- What was done in a round that only waited for its vendor belongs to the round that goes on after it, which is judged by it.
UPDATE remediations SET round = %(round)s + 1
 WHERE incident_id = %(incident_id)s AND round = %(round)s AND state = 'done'
   AND step < %(undo_step)s AND NOT action = ANY(%(no_cure)s)
