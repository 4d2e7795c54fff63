/* main.c - runs simulated calls: usage: sim [--seeds N] [--seed S] [--jobs J] [--seconds T] [--verbose [--verbose]]
 *        or   sim --repairs [--seconds T], for a table of how losses are repaired
 * One line per failing seed with the command that replays it, one line of totals; exit code 1 if any failed. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/log.h"
#include "sim/sim.h"

struct job {
    uint64_t first_seed;
    unsigned seeds, seconds, index, count;
    int verbose;
};

static void add(struct sim_result *to, const struct sim_result *r)
{
    to->clients += r->clients;
    to->joins += r->joins;
    to->violations += r->violations != 0;
    to->in_packets += r->in_packets;
    to->out_packets += r->out_packets;
    to->frames += r->frames;
    to->key_frames += r->key_frames;
    to->nacks += r->nacks;
    to->repaired += r->repaired;
    to->given_up += r->given_up;
    to->key_requests += r->key_requests;
    to->link_losses += r->link_losses;
    to->jumps += r->jumps;
}

static struct sim_result run_share(const struct job *job)
{
    struct sim_result total = {0}, one;
    for (unsigned i = job->index; i < job->seeds; i += job->count) {
        sim_run(job->first_seed + i, job->seconds, job->verbose, &one);
        if (one.violations) {
            printf("FAIL seed %" PRIu64 ": %u violations, first at %s\n     replay: scripts/sim --seed %" PRIu64
                   " --seconds %u --verbose\n",
                   one.seed, one.violations, one.first, one.seed, job->seconds);
            fflush(stdout);
        }
        add(&total, &one);
    }
    return total;
}

static bool run_all(struct job *job, struct sim_result *total) /* false: a process died */
{
    bool whole = true;
    int(*pipes)[2] = calloc(job->count, sizeof *pipes);
    for (job->index = 0; job->index < job->count; job->index++) {
        if (pipe(pipes[job->index]) != 0)
            abort();
        if (fork() == 0) {
            struct sim_result share = run_share(job);
            _exit(write(pipes[job->index][1], &share, sizeof share) != sizeof share);
        }
        close(pipes[job->index][1]);
    }
    for (unsigned i = 0; i < job->count; i++) {
        struct sim_result share;
        if (read(pipes[i][0], &share, sizeof share) == sizeof share)
            add(total, &share), total->violations += share.violations - (share.violations != 0);
        else
            whole = false;
        close(pipes[i][0]);
    }
    for (int status; wait(&status) > 0;)
        whole &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
    free(pipes);
    return whole;
}

/* How losses are repaired, by how many there are. Three clients, 50 ms from each to the bridge and back. At up to
 * 3 % it is promised (false: not kept): every repair takes two round trips at most for each attempt, the lost ones included,
 * no picture freezes, and no source is asked for more than five key frames in a minute. */
static bool print_repairs(const struct job *job)
{
    enum { CLIENTS = 3, PROMISED_PPM = 30000, REQUESTS_MAX = 5 };
    static const uint32_t losses_ppm[] = {0, 10000, PROMISED_PPM, 50000, 100000};
    bool kept = true;
    printf("Repairs: from the hole to its being filled, but for the first seconds. In turn: within two round trips for "
           "each attempt, where the repair or the request for it was lost, too.\n\n"
           "| loss each way | repaired | within 2 RTT | later, but in turn | too late | p50 | p99 | given up | "
           "longest gap | "
           "freezes | key frame requests per source and minute, most |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof losses_ppm / sizeof *losses_ppm; i++) {
        struct net_config link = {
            .bps = 50000000, .delay_us = 25000, .jitter_us = 2000, .queue_bytes = 1 << 20, .loss_ppm = losses_ppm[i]};
        struct sim_repair r;
        sim_run_lossy(job->first_seed, &link, CLIENTS, job->seconds, &r);
        printf("| %.0f %% | %" PRIu64 " | %.1f %% | %" PRIu64 " | %" PRIu64 " | %.0f ms | %.0f ms | %" PRIu64
               " | %.0f ms | %" PRIu64 " | %.2f, %" PRIu64 " |\n",
               losses_ppm[i] / 10000.0, r.repaired, r.repaired ? 100.0 * (double)r.in_time / (double)r.repaired : 100.0,
               r.lost_again, r.late, (double)r.p50_us / 1000, (double)r.p99_us / 1000, r.given_up,
               (double)r.longest_gap_us / 1000, r.freezes, (double)r.requests * 60 / CLIENTS / job->seconds,
               r.requests_most);
        if (losses_ppm[i] <= PROMISED_PPM)
            kept &= r.late == 0 && r.given_up == 0 && r.freezes == 0 && r.requests_most <= REQUESTS_MAX;
    }
    if (!kept)
        printf("FAIL: at up to 3 %% that is not what is promised\n");
    return kept;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seeds", 1, NULL, 'n'},   {"seed", 1, NULL, 's'},    {"jobs", 1, NULL, 'j'},    {"seconds", 1, NULL, 't'},
        {"minutes", 1, NULL, 'm'}, {"verbose", 0, NULL, 'v'}, {"repairs", 0, NULL, 'r'}, {NULL}};
    struct job job = {.first_seed = 1, .seeds = 1, .seconds = 60, .count = 1};
    struct sim_result total = {0};
    bool repairs = false;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'n': job.seeds = (unsigned)atoi(optarg); break;
        case 's': job.first_seed = strtoull(optarg, NULL, 0); break;
        case 'j': job.count = (unsigned)atoi(optarg); break;
        case 't': job.seconds = (unsigned)atoi(optarg); break;
        case 'm': job.seconds = 60 * (unsigned)atoi(optarg); break;
        case 'r': repairs = true; break;
        case 'v': job.verbose++; break;
        default: return 2;
        }
    }
    if (job.count == 0 || job.seeds == 0 || job.seconds == 0) {
        fprintf(stderr, "sim: --seeds, --jobs and --seconds must be at least 1\n");
        return 2;
    }
    log_set_level(job.verbose ? LOG_INFO_ : LOG_ERROR_);
    if (repairs) {
        return !print_repairs(&job);
    }
    bool whole = run_all(&job, &total);
    printf("%u seeds of %u s, %u failed: %u clients, %" PRIu64 " packets in, %" PRIu64 " out, %" PRIu64
           " lost by links, %" PRIu64 " frames decoded, %" PRIu64 " of them key frames, %" PRIu64 " NACKs, %" PRIu64
           " repairs, %" PRIu64 " given up, %" PRIu64 " skips to a key frame, %" PRIu64 " requests to senders\n",
           job.seeds, job.seconds, total.violations, total.joins, total.in_packets, total.out_packets,
           total.link_losses, total.frames, total.key_frames, total.nacks, total.repaired, total.given_up, total.jumps,
           total.key_requests);
    if (!whole)
        printf("FAIL: a process ended by itself; run it with --jobs 1\n");
    return total.violations || !whole;
}
