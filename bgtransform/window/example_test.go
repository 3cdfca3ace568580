package window_test

import (
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

func ExampleParse() {
	w, err := window.Parse("0 22 * * 1-5 for 8h in Europe/Berlin; 0 0 * * 0,6 for 1d in Europe/Berlin")
	if err != nil {
		fmt.Println(err)
		return
	}
	friday := time.Date(2026, time.January, 9, 17, 0, 0, 0, time.UTC)
	opens, _ := w.Next(friday)
	closes, _ := w.Closes(opens)
	fmt.Println("opens", opens.Format("Mon 15:04 MST"))
	fmt.Println("closes", closes.Format("Mon 15:04 MST"))
	// Output:
	// opens Fri 22:00 CET
	// closes Mon 00:00 CET
}

func ExampleParse_error() {
	_, err := window.Parse("0 25 * * * for 8h")
	fmt.Println(err)
	// Output:
	// window: "0 25 * * * for 8h": hour 25 is out of range 0-23; want "<cron> for <duration> in <zone>", such as "0 22 * * * for 8h in Europe/Berlin"
}

// No work runs from Christmas Eve to New Year's Day, nor at the end of a month. A
// night before such a day ends at midnight.
func ExampleParse_exceptions() {
	w := window.MustParse("0 22 * * * for 8h in Europe/Berlin; except 12-24..01-01, last 2 days of month")
	closes, _ := w.Closes(time.Date(2026, time.December, 23, 22, 0, 0, 0, time.UTC))
	opens, _ := w.Next(closes)
	fmt.Println("closes", closes.Format("2006-01-02 15:04 MST"))
	fmt.Println("opens", opens.Format("2006-01-02 15:04 MST"))
	// Output:
	// closes 2026-12-24 00:00 CET
	// opens 2027-01-02 00:00 CET
}

// A window for a test or a demonstration, where nobody wants to wait for the night.
func ExampleParse_every() {
	w := window.MustParse("every 20s for 5s")
	opens, _ := w.Next(time.Date(2026, time.January, 9, 12, 0, 7, 0, time.UTC))
	closes, _ := w.Closes(opens)
	fmt.Println(opens.Format(time.TimeOnly), closes.Format(time.TimeOnly))
	// Output:
	// 12:00:20 12:00:25
}

func ExampleWindow_Contains() {
	w := window.MustParse("0 2 * * * for 1h30m")
	fmt.Println(w.Contains(time.Date(2026, time.January, 9, 3, 29, 59, 0, time.UTC)))
	fmt.Println(w.Contains(time.Date(2026, time.January, 9, 3, 30, 0, 0, time.UTC)))
	// Output:
	// true
	// false
}

// In the night of the change to summer time, eight hours of the wall clock are
// seven hours of work.
func ExampleWindow_Closes() {
	w := window.MustParse("0 22 * * * for 8h in Europe/Berlin")
	opens, _ := w.Next(time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC))
	closes, _ := w.Closes(opens)
	fmt.Println(opens)
	fmt.Println(closes)
	fmt.Println(closes.Sub(opens))
	// Output:
	// 2026-03-28 22:00:00 +0100 CET
	// 2026-03-29 06:00:00 +0200 CEST
	// 7h0m0s
}

func ExampleWindow_Next() {
	_, ok := window.Never().Next(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
	fmt.Println(ok)
	// Output:
	// false
}

func ExampleAlways() {
	fmt.Println(window.Always(), window.Always().IsAlways())
	// Output:
	// always true
}

func ExampleNever() {
	fmt.Println(window.Never(), window.Never().IsAlways())
	// Output:
	// never false
}
