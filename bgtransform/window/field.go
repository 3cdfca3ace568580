package window

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// field describes one of the five fields of a cron expression.
type field struct {
	name     string
	min, max int
	names    []string // of the values from min on, if they have names
}

// fields returns the fields of a cron expression in their order.
func fields() [5]field {
	return [5]field{
		{name: "minute", max: 59},
		{name: "hour", max: 23},
		{name: "day", min: 1, max: 31},
		{
			name: "month", min: 1, max: 12,
			names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"},
		},
		{name: "weekday", max: 6, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
}

// checkCron returns an error unless words are a cron expression that may start a
// window.
func checkCron(words []string) error {
	switch {
	case len(words) == 0:
		return errors.New(`the cron expression before "for" is missing`)
	case strings.HasPrefix(words[0], "TZ=") || strings.HasPrefix(words[0], "CRON_TZ="):
		return fmt.Errorf(`%q does not belong here; name the zone at the end, after "in"`, words[0])
	case strings.HasPrefix(words[0], "@"):
		return checkShorthand(words)
	case len(words) != len(fields()):
		return fmt.Errorf("the cron expression has %d fields instead of 5 (minute hour day month weekday)", len(words))
	}
	for i, f := range fields() {
		if err := f.check(words[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkShorthand returns an error unless words are one of the names for a whole
// cron expression. @every is none: it counts from the start of the process, which
// differs from instance to instance.
func checkShorthand(words []string) error {
	switch strings.Join(words, " ") {
	case "@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually":
		return nil
	}
	return fmt.Errorf("%q is not one of @hourly, @daily, @weekly, @monthly, @yearly", strings.Join(words, " "))
}

// check returns an error unless text is a list of values, ranges and steps.
func (f field) check(text string) error {
	for item := range strings.SplitSeq(text, ",") {
		if item == "" {
			return fmt.Errorf("%s %q has an empty item", f.name, text)
		}
		if err := f.checkItem(item); err != nil {
			return err
		}
	}
	return nil
}

// checkItem returns an error unless item is one of: * 5 1-5 */2 1-9/2 1/2.
func (f field) checkItem(item string) error {
	values, step, stepped := strings.Cut(item, "/")
	if stepped {
		if n, ok := number(step); !ok || n < 1 || n > f.max {
			return fmt.Errorf("%s step %q is out of range 1-%d", f.name, step, f.max)
		}
	}
	if values == "*" || values == "?" {
		return nil
	}
	first, last, ranged := strings.Cut(values, "-")
	from, err := f.value(first)
	if err != nil || !ranged {
		return err
	}
	to, err := f.value(last)
	if err == nil && to < from {
		err = fmt.Errorf("%s range %q ends before it begins; write two ranges with a comma between", f.name, values)
	}
	return err
}

// value returns the number that text is, or stands for as a name.
func (f field) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.min + i, nil
		}
	}
	n, ok := number(text)
	switch {
	case !ok:
		return 0, fmt.Errorf("%s %q is not a number in the range %d-%d%s", f.name, text, f.min, f.max, f.hint())
	case n < f.min || n > f.max:
		return 0, fmt.Errorf("%s %d is out of range %d-%d%s", f.name, n, f.min, f.max, f.hint())
	}
	return n, nil
}

// hint says which names a field has, and what the first stands for.
func (f field) hint() string {
	if f.names == nil {
		return ""
	}
	return fmt.Sprintf(" (%s is %d)", f.names[0], f.min)
}

// number parses a number of decimal digits only, without a sign.
func number(text string) (int, bool) {
	if strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}
