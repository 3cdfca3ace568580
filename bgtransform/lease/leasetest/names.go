package leasetest

import "strings"

func nameTests() []conformanceTest {
	return []conformanceTest{
		{"a name may be any text", func(f *fixture) {
			for _, name := range oddNames() {
				f.checkName(f.name + name)
				f.checkName(name + f.name)
			}
		}},
		{"names that look alike are different leases", func(f *fixture) {
			for _, name := range oddNames() {
				c := f.claim("a", long)
				c.Name = f.name + name
				f.mustAcquire(f.first, c)
			}
		}},
		{"leases of different names are independent", func(f *fixture) {
			a := f.hold(f.first, "a", long)
			b := f.claim("b", long)
			b.Name = f.name + "-2"
			f.mustAcquire(f.second, b)
			f.mustRelease(f.first, a)
			f.mustRenew(f.second, b)
			f.mustBeLost(f.first, a)
		}},
		{"a term is bound to its name", func(f *fixture) {
			c := f.hold(f.first, "a", long)
			other := c
			other.Name += "-2"
			f.mustBeLost(f.first, other)
			f.mustRenew(f.first, c)
		}},
	}
}

// checkName takes the lease of that name through its whole life.
func (f *fixture) checkName(name string) {
	f.Helper()
	c, other := f.claim("a", long), f.claim("b", long)
	c.Name, other.Name = name, name
	f.mustAcquire(f.first, c)
	if held := f.mustBeHeld(f.second, other); held.Name != name {
		f.Errorf("HeldError.Name = %q, want %q", held.Name, name)
	}
	f.mustRenew(f.first, c)
	f.mustRelease(f.first, c)
	f.mustBeLost(f.first, c)
}

// oddNames are different texts, many of them alike to a careless encoding.
func oddNames() []string {
	return []string{
		"", " ", "a b", "a  b", "a_b", "a-b", "A-B", "a/b", "a.b", "a:b", `a\b`, `"a"`, "'a'", "a''b", "`a`", "a;b--",
		"{a}", "}a{", "{}", "{", "}", "{{a}}", "%7Ba%7D", "%257Ba%257D", "%", "%25", "%s", "*", "?", "[a]",
		"ü", "u\u0308", "東京", "☃", "a\tb", "a\nb", strings.Repeat("x", 200), strings.Repeat("x", 199),
	}
}
