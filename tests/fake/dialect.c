/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In what the servers differ: one row a dialect. */

#include "dialect.h"

const char *const common_extensions[] = {
        "storage_zfs_remove_snapshots",
        "container_host_shutdown_timeout",
        "container_stop_priority",
        "container_syscall_filtering",
        "auth_pki",
        "container_last_used_at",
        "etag",
        "patch",
        "usb_devices",
        "https_allowed_credentials",
        "image_compression_algorithm",
        "directory_manipulation",
        "container_cpu_time",
        "storage_zfs_use_refquota",
        "network",
        "profile_usedby",
        "container_push",
        "container_exec_recording",
        "certificate_update",
        "container_exec_signal_handling",
        "resources",
        "kernel_limits",
        "operation_description",
        "clustering",
        "projects",
        "operation_wait",
        "container_stop_force",
        "instances",
        "storage_api_remote_volume_handling",
        "api_filtering",
        "instance_allow_inconsistent_copy",
        "metrics",
        "instances_uefi_vars",
        "operations_get_query_all_projects",
        NULL,
};

static const char *const none[] = {NULL};
static const char *const lxd_5_21[] = {
        "instance_create_start",
        "metrics_api_requests",
        "instances_state_selective_recursion",
        "storage_volumes_all",
        "instance_import_conversion",
        NULL,
};
static const char *const incus_6_12[] = {
        "instance_create_start", "instance_force_delete",
        "metrics_api_requests",  "instances_files_modify_permissions",
        "network_integrations",  NULL,
};

const struct dialect dialects[] = {
        {
                .name = "lxd-5.0.2",
                .server = "lxd",
                .version = "5.0.2",
                .wait = WAIT_OPERATION,
                .short_errors = true,
                .containers_resource = true,
                .exec_log_dir = "",
                .metrics_prefix = "lxd",
                .gc_path = "/internal/gc",
                .duplicate_text = "Failed creating instance record: Add instance info to the "
                                  "database: This \"instances\" entry already exists",
                .extensions = none,
        },
        {
                .name = "lxd-5.21",
                .server = "lxd",
                .version = "5.21.4",
                .wait = WAIT_ERROR,
                .wait_early_head = true,
                .image_locked_creates = true,
                .create_start = true,
                .testing_wait = true,
                .exec_log_dir = "exec-output/",
                .metrics_prefix = "lxd",
                .gc_path = "/internal/gc",
                .duplicate_text = "Failed creating instance record: Add instance info to the "
                                  "database: This \"instances\" entry already exists",
                .extensions = lxd_5_21,
        },
        {
                .name = "incus-6.12",
                .server = "incus",
                .version = "6.12",
                .wait = WAIT_OPERATION,
                .wait_early_head = true,
                .image_locked_creates = true,
                .force_delete = true,
                .create_start = true,
                .exec_log_dir = "exec-output/",
                .metrics_prefix = "incus",
                .gc_path = "/internal/debug/gc",
                .duplicate_text = "Failed creating instance record: Add instance info to the "
                                  "database: This \"instances\" entry already exists",
                .extensions = incus_6_12,
        },
};

const size_t n_dialects = ARRAY_SIZE(dialects);

const struct dialect *dialect_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(dialects); i++)
                if (strcmp(dialects[i].name, name) == 0)
                        return &dialects[i];
        return NULL;
}
