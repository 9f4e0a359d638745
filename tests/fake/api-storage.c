/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What instances are made of and lie on: images, profiles, pools, volumes, networks. */

#include "api.h"
#include "images.h"

/* The images' fingerprints are 64 hex digits drawn from their alias. */
static void fingerprint(const char *alias, char ret[65])
{
        struct rng r = {0};

        for (; *alias; alias++)
                r.state = r.state * 31 + (unsigned char)*alias;
        for (int i = 0; i < 4; i++)
                snprintf(ret + 16 * i, 17, "%016llx", (unsigned long long)rng_next(&r));
}

static const struct image *image_at(const struct fake *f, size_t i)
{
        static struct image image;

        image.alias = f->options.images[i];
        fingerprint(image.alias, image.fingerprint);
        return &image;
}

const struct image *image_by_alias(const struct fake *f, const char *alias)
{
        for (size_t i = 0; i < f->options.n_images; i++)
                if (strcmp(f->options.images[i], alias) == 0)
                        return image_at(f, i);
        return NULL;
}

const struct image *image_by_fingerprint(const struct fake *f, const char *prefix)
{
        if (!*prefix)
                return NULL;
        for (size_t i = 0; i < f->options.n_images; i++)
                if (strncmp(image_at(f, i)->fingerprint, prefix, strlen(prefix)) == 0)
                        return image_at(f, i);
        return NULL;
}

static void render_alias(struct buf *b, const struct image *image)
{
        buf_printf(b,
                   "{\"description\":\"\",\"name\":\"%s\",\"target\":\"%s\","
                   "\"type\":\"container\"}",
                   image->alias, image->fingerprint);
}

static void render_image(struct buf *b, const struct image *image)
{
        buf_printf(b,
                   "{\"aliases\":[{\"name\":\"%s\",\"description\":\"\"}],"
                   "\"architecture\":\"x86_64\",\"auto_update\":false,\"cached\":false,"
                   "\"filename\":\"fake.tar.gz\",\"fingerprint\":\"%s\",\"profiles\":[\"default\"],"
                   "\"properties\":{\"description\":\"fake image\"},\"public\":false,"
                   "\"size\":1048576,\"type\":\"container\"}",
                   image->alias, image->fingerprint);
}

void api_images_get(struct call *c)
{
        struct buf *b = call_scratch(c);

        buf_add(b, "[", 1);
        for (size_t i = 0; i < c->fake->options.n_images; i++) {
                const struct image *image = image_at(c->fake, i);

                buf_puts(b, i ? "," : "");
                if (c->recursion > 0)
                        render_image(b, image);
                else
                        buf_printf(b, "\"/1.0/images/%s\"", image->fingerprint);
        }
        buf_add(b, "]", 1);
        call_sync(c, b->data, b->len);
}

void api_aliases_get(struct call *c)
{
        struct buf *b = call_scratch(c);

        buf_add(b, "[", 1);
        for (size_t i = 0; i < c->fake->options.n_images; i++) {
                const struct image *image = image_at(c->fake, i);

                buf_puts(b, i ? "," : "");
                if (c->recursion > 0)
                        render_alias(b, image);
                else
                        buf_printf(b, "\"/1.0/images/aliases/%s\"", image->alias);
        }
        buf_add(b, "]", 1);
        call_sync(c, b->data, b->len);
}

void api_alias_get(struct call *c)
{
        const struct image *image = image_by_alias(c->fake, c->args[0]);
        struct buf *b = call_scratch(c);

        if (!image) {
                call_error(c, 404, "Image alias not found");
                return;
        }
        render_alias(b, image);
        call_sync(c, b->data, b->len);
}

void api_image_get(struct call *c)
{
        const struct image *image = image_by_fingerprint(c->fake, c->args[0]);
        struct buf *b = call_scratch(c);

        if (!image) {
                call_error(c, 404, "Image not found");
                return;
        }
        render_image(b, image);
        call_sync(c, b->data, b->len);
}

static const char profile[] =
        "{\"config\":{},\"description\":\"Default LXD profile\",\"devices\":{"
        "\"eth0\":{\"name\":\"eth0\",\"network\":\"lxdbr0\",\"type\":\"nic\"},"
        "\"root\":{\"path\":\"/\",\"pool\":\"default\",\"type\":\"disk\"}},"
        "\"name\":\"default\",\"used_by\":[]}";
static const char pool[] =
        "{\"config\":{\"source\":\"/var/lib/lxd/storage-pools/default\"},\"description\":\"\","
        "\"name\":\"default\",\"driver\":\"dir\",\"used_by\":[],\"status\":\"Created\","
        "\"locations\":[\"none\"]}";
static const char pool_resources[] = "{\"space\":{\"used\":1073741824,\"total\":107374182400},"
                                     "\"inodes\":{\"used\":1000,\"total\":1000000}}";
static const char network[] =
        "{\"config\":{\"ipv4.address\":\"none\",\"ipv6.address\":\"none\"},\"description\":\"\","
        "\"name\":\"lxdbr0\",\"type\":\"bridge\",\"used_by\":[],\"managed\":true,"
        "\"status\":\"Created\",\"locations\":[\"none\"]}";

/* A list with one member, as its URL or itself. */
static void answer_list_of_one(struct call *c, const char *url, const char *object)
{
        struct buf *b = call_scratch(c);

        buf_add(b, "[", 1);
        if (c->recursion > 0)
                buf_puts(b, object);
        else
                buf_json_string(b, url);
        buf_add(b, "]", 1);
        call_sync(c, b->data, b->len);
}

/* The one object of its kind there is, when its name is right. */
static void answer_one(struct call *c, const char *name, const char *object, const char *missing)
{
        if (strcmp(c->args[0], name) == 0)
                call_sync(c, object, strlen(object));
        else
                call_error(c, 404, missing);
}

void api_profiles_get(struct call *c)
{
        answer_list_of_one(c, "/1.0/profiles/default", profile);
}

void api_profile_get(struct call *c)
{
        answer_one(c, "default", profile, "Profile not found");
}

void api_pools_get(struct call *c)
{
        answer_list_of_one(c, "/1.0/storage-pools/default", pool);
}

void api_pool_get(struct call *c)
{
        answer_one(c, "default", pool, "Storage pool not found");
}

void api_pool_resources_get(struct call *c)
{
        answer_one(c, "default", pool_resources, "Storage pool not found");
}

void api_networks_get(struct call *c)
{
        answer_list_of_one(c, "/1.0/networks/lxdbr0", network);
}

void api_network_get(struct call *c)
{
        answer_one(c, "lxdbr0", network, "Network not found");
}

static void render_volume(struct buf *b, const struct instance *i)
{
        buf_printf(b,
                   "{\"config\":{},\"description\":\"\",\"name\":\"%s\",\"type\":\"container\","
                   "\"used_by\":[\"/1.0/instances/%s\"],\"location\":\"none\","
                   "\"content_type\":\"filesystem\",\"project\":\"%s\"}",
                   i->name, i->name, i->project);
}

void api_volumes_get(struct call *c)
{
        struct buf *b = call_scratch(c);
        const char *separator = "";

        if (strcmp(c->args[0], "default") != 0) {
                call_error(c, 404, "Storage pool not found");
                return;
        }
        buf_add(b, "[", 1);
        list_foreach(l, &c->fake->instances.list)
        {
                struct instance *i = container_of(l, struct instance, link);

                if (i->project != c->project)
                        continue;
                buf_puts(b, separator);
                separator = ",";
                if (c->recursion > 0)
                        render_volume(b, i);
                else
                        buf_printf(b, "\"/1.0/storage-pools/default/volumes/container/%s\"",
                                   i->name);
        }
        buf_add(b, "]", 1);
        call_sync(c, b->data, b->len);
}

void api_volume_get(struct call *c)
{
        struct instance *i = instances_find(&c->fake->instances, c->project, c->args[1]);
        struct buf *b = call_scratch(c);

        if (!i || strcmp(c->args[0], "default") != 0) {
                call_error(c, 404, "Storage volume not found");
                return;
        }
        render_volume(b, i);
        call_sync(c, b->data, b->len);
}
