package sql

import "strconv"

// pageStatement selects one page of a scan; placeholder(n) is the n-th parameter.
func pageStatement(bucket string, p page, placeholder func(n int) string) statement {
	s := statement{"SELECT id, value, version FROM stepca_records WHERE bucket = " + placeholder(1), []any{bucket}}
	and := func(comparison string, bound []byte) {
		s.args = append(s.args, bound)
		s.query += " AND id " + comparison + " " + placeholder(len(s.args))
	}
	switch {
	case p.after:
		and(">", p.from)
	case len(p.from) > 0:
		and(">=", p.from)
	}
	if p.to != nil {
		and("<", p.to)
	}
	s.query += " ORDER BY id"
	if p.reverse {
		s.query += " DESC"
	}
	s.query += " LIMIT " + strconv.Itoa(p.limit)
	return s
}
