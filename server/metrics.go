package server

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"stepca/ca"
	"stepca/issue"
)

// Bounds of scrapes, as the reference has them.
const (
	maxScrapes    = 10
	scrapeTimeout = 5 * time.Second
)

// latencyBuckets span a signature in memory to a slow HSM or webhook; seconds.
var latencyBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// metrics are what /metrics shows. They live as long as the process, so that a
// reload resets no counter.
type metrics struct {
	registry *prometheus.Registry

	outcomes map[ca.Operation]*prometheus.CounterVec // the reference's names
	refusals *prometheus.CounterVec
	issuance *prometheus.HistogramVec
	signing  *prometheus.HistogramVec
	storing  *prometheus.HistogramVec
	requests *prometheus.HistogramVec
	inFlight prometheus.Gauge

	kmsSigned, kmsErrors prometheus.Counter
	issuerExpiry         *prometheus.GaugeVec
	reloads              *prometheus.CounterVec
}

func newMetrics(version string, started time.Time) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), outcomes: make(map[ca.Operation]*prometheus.CounterVec)}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "step_ca", Name: name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "step_ca", Name: name, Help: help, Buckets: latencyBuckets}, labels)
		m.registry.MustRegister(v)
		return v
	}
	m.outcomes[ca.SignX509] = counter("x509_signed_total", "Number of X509 certificates signed", "provisioner", "success")
	m.outcomes[ca.RenewX509] = counter("x509_renewed_total", "Number of X509 certificates renewed", "provisioner", "success")
	m.outcomes[ca.RekeyX509] = counter("x509_rekeyed_total", "Number of X509 certificates rekeyed", "provisioner", "success")
	m.outcomes[ca.RevokeX509] = counter("x509_revoked_total", "Number of X509 certificates revoked", "provisioner", "success")
	m.outcomes[ca.SignSSH] = counter("ssh_signed_total", "Number of SSH certificates signed", "provisioner", "success", "type")
	m.outcomes[ca.RenewSSH] = counter("ssh_renewed_total", "Number of SSH certificates renewed", "provisioner", "success", "type")
	m.outcomes[ca.RekeySSH] = counter("ssh_rekeyed_total", "Number of SSH certificates rekeyed", "provisioner", "success", "type")
	m.outcomes[ca.RevokeSSH] = counter("ssh_revoked_total", "Number of SSH certificates revoked", "provisioner", "success")
	m.refusals = counter("refused_total", "Number of requests refused, by operation, provisioner and reason", "operation", "provisioner", "reason")
	m.issuance = histogram("issue_seconds", "Time from request to recorded certificate", "operation")
	m.signing = histogram("sign_seconds", "Time the issuer's key took to sign", "operation")
	m.storing = histogram("store_seconds", "Time the store took to record a certificate", "operation")
	m.requests = histogram("http_request_seconds", "Time to answer HTTP requests", "method", "status")
	m.reloads = counter("reloads_total", "Number of configuration reloads", "success")

	m.kmsSigned = prometheus.NewCounter(prometheus.CounterOpts{Namespace: "step_ca", Name: "kms_signed", Help: "Number of KMS-backed signatures"})
	m.kmsErrors = prometheus.NewCounter(prometheus.CounterOpts{Namespace: "step_ca", Name: "kms_errors", Help: "Number of KMS-related errors"})
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "step_ca", Name: "requests_in_flight", Help: "Number of HTTP requests being answered"})
	m.issuerExpiry = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "step_ca", Name: "issuer_not_after_seconds", Help: "Unix time at which an issuer's certificate expires"}, []string{"issuer"})
	uptime := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "step_ca", Name: "uptime_seconds", Help: "Number of seconds since service start"},
		func() float64 { return time.Since(started).Seconds() })
	build := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "step_ca", Name: "build_info", Help: "Version of this build; always 1",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()}})
	build.Set(1)
	m.registry.MustRegister(m.kmsSigned, m.kmsErrors, m.inFlight, m.issuerExpiry, uptime, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// handler serves /metrics and nothing else.
func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.InstrumentMetricHandler(m.registry, promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		Registry:            m.registry,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             scrapeTimeout,
		EnableOpenMetrics:   true,
	})))
	return mux
}

// Issued implements issue.Observer.
func (m *metrics) Issued(ev issue.Event) {
	if v := m.outcomes[ev.Operation]; v != nil {
		labels := []string{ev.Provisioner.Name, strconv.FormatBool(ev.Err == nil)}
		switch ev.Operation {
		case ca.SignSSH, ca.RenewSSH, ca.RekeySSH:
			kind := ev.Kind
			if kind == "" {
				kind = "unknown"
			}
			labels = append(labels, kind)
		}
		v.WithLabelValues(labels...).Inc()
	}
	op := string(ev.Operation)
	if ev.Err != nil {
		m.refusals.WithLabelValues(op, ev.Provisioner.Name, issue.Reason(ev.Err)).Inc()
		return
	}
	m.issuance.WithLabelValues(op).Observe(ev.Total.Seconds())
	if ev.Sign == 0 {
		return // a revocation: nothing was signed
	}
	m.signing.WithLabelValues(op).Observe(ev.Sign.Seconds())
	m.storing.WithLabelValues(op).Observe(ev.Store.Seconds())
}

// Served implements apiserver.Observer.
func (m *metrics) Served(method string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, strconv.Itoa(status)).Observe(took.Seconds())
}

// Began and Ended implement apiserver.Observer.
func (m *metrics) Began() { m.inFlight.Inc() }

// Ended is Began's counterpart.
func (m *metrics) Ended() { m.inFlight.Dec() }

// setIssuers notes when the issuers expire.
func (m *metrics) setIssuers(issuers []*issue.Authority) {
	m.issuerExpiry.Reset()
	for _, a := range issuers {
		m.issuerExpiry.WithLabelValues(a.Name).Set(float64(a.Certificate().NotAfter.Unix()))
	}
}

// gauge registers a value that is read at each scrape.
func (m *metrics) gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "step_ca", Name: name, Help: help}, value))
}

// registerGauges adds what is read off the store at each scrape.
func (s *Server) registerGauges() {
	s.metrics.gauge("refusals_not_recorded", "Number of refusals that were counted but not stored, because there were too many",
		func() float64 { return float64(s.store.RefusalsMissed()) })
	if q, ok := s.db.(interface{ QueueDepth() int }); ok {
		s.metrics.gauge("store_queue_depth", "Number of transactions waiting for the disk", func() float64 { return float64(q.QueueDepth()) })
	}
}
