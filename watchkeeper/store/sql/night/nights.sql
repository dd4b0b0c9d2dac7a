-- The nights, from one to another, in which a page waited.
SELECT DISTINCT night FROM night_holds WHERE night BETWEEN %(first)s AND %(last)s ORDER BY night
