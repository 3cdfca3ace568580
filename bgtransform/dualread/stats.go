package dualread

// Stats is what a [Column] has seen since it was made. Counts never decrease,
// and a change of phase does not reset them.
//
// Code that gathers the stats of columns of any type asks for
// interface{ Stats() Stats }.
type Stats struct {
	// Name is the move's name.
	Name string

	// Phase is the phase at the time of the call.
	Phase Phase

	// Fallbacks is the number of reads in PhaseFallback and PhaseCompare that
	// found the new column null in a pending row, and answered from the old ones.
	Fallbacks uint64

	// Missing is the number of reads in PhaseNew that found the new column null
	// in a pending row. Each of them gave a user a wrong answer: go back to
	// PhaseFallback.
	Missing uint64

	// Compared is the number of reads in PhaseCompare of which both values were
	// compared, and Mismatches how many of them did not go together.
	Compared, Mismatches uint64

	// Uncompared is the number of reads that could not be compared, because too many
	// comparisons were under way, or a function of the app failed or panicked.
	Uncompared uint64
}

// Stats returns the counts so far. It takes no lock and reads a few cache
// lines: cheap enough for each collection of metrics, not for each row.
// Reads that run at the same time may be counted or not.
//
// Only [Column.Read] counts: what the database answers from a fallback
// in [Column.Expr] is not seen here.
func (c *Column[M, V]) Stats() Stats {
	return Stats{
		Name:      c.move.Name,
		Phase:     c.Phase(),
		Fallbacks: c.fallbacks.sum(),
		Missing:   c.missing.sum(),

		Compared:   c.comparing.compared.sum(),
		Mismatches: c.comparing.mismatches.sum(),
		Uncompared: c.comparing.uncompared.sum(),
	}
}
