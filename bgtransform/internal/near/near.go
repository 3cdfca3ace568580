// Package near finds the name that somebody meant who misspelt it.
package near

// Most is how many letters a name may be off to count as meant.
const Most = 2

// Name returns the name that name resembles most, of those that are off by Most letters at
// most; empty if there is none.
func Name(name string, names []string) string {
	meant, least := "", Most+1
	for _, n := range names {
		if d := Distance(name, n); d < least {
			meant, least = n, d
		}
	}
	return meant
}

// Distance returns how many letters must be added, dropped, replaced or swapped with
// their neighbour to turn a into b, or Most+1 when more than Most.
func Distance(a, b string) int {
	if abs(len(a)-len(b)) > Most {
		return Most + 1
	}
	prev2, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return min(prev[len(b)], Most+1)
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
