package store

// FindByPlace makes an attempt look for its checkpoint where it was written last, as it
// does once it takes long to find it by its key.
func (a *Attempt) FindByPlace() {
	if a.place != nil {
		a.place.slow, a.place.least, a.place.trips = true, 0, 0
	}
}

// WorthTrips says how many trips long the search must be for that.
func (a *Attempt) WorthTrips(n int) { a.place.trips = n }

// LookAt makes it look at another place.
func (a *Attempt) LookAt(ctid string) { a.place.ctid = ctid }
