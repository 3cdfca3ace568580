package lease

import "time"

// Credible returns how long the lease of another term can have left, in the eyes of
// this claim: ten times its own TTL, five minutes at least. What has more left was
// granted before the server's clock was set back, and may belong to nobody any more;
// a Locker lets it count as expired, or it would stay for as long as the clock was
// set back. So the TTLs of a pool should not differ more than that.
func (c Claim) Credible() time.Duration {
	return max(10*c.TTL, 5*time.Minute)
}
