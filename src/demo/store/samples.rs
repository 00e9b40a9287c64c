//! The sample records: a shop for outdoor gear, with what a gateway's trial needs to look at.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::table::{Fields, Table};

/// Every area with its records, by the name it has in a path.
pub(super) fn tables() -> BTreeMap<&'static str, Table> {
    BTreeMap::from([
        ("products", Table::new(&["name", "price"], 1, records(products()))),
        ("orders", Table::new(&["customer_id"], 100, records(orders()))),
        ("customers", Table::new(&["first_name", "last_name", "email"], 1, records(customers()))),
        ("coupons", Table::new(&["name", "code", "amount"], 1, records(coupons()))),
    ])
}

/// What `/api/v2/store` tells.
pub(super) fn store() -> Value {
    json!({
        "id": "demo-1",
        "name": "Portcullis Outdoor",
        "domain": "store.example",
        "country": "Germany",
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "language": "en",
        "weight_units": "kg",
        "dimension_units": "cm",
    })
}

fn records(list: Value) -> Vec<Fields> {
    let Value::Array(items) = list else { return Vec::new() };
    let objects = items.into_iter().filter_map(|item| match item {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    objects.collect()
}

fn products() -> Value {
    json!([
        {
            "name": "Two-person tent \"Wren\"", "sku": "TENT-2P", "type": "physical", "price": "189.0000",
            "sale_price": "0.0000", "inventory_level": 14, "is_visible": true, "categories": [1, 4],
            "weight": "2.3000", "date_created": "Mon, 05 Jan 2026 08:00:00 +0000",
        },
        {
            "name": "Down sleeping bag", "sku": "BAG-DOWN", "type": "physical", "price": "239.0000",
            "sale_price": "199.0000", "inventory_level": 6, "is_visible": true, "categories": [1],
            "weight": "0.9500", "date_created": "Mon, 05 Jan 2026 08:05:00 +0000",
        },
        {
            "name": "Pan & lid, 1.2 l", "sku": "PAN-12", "type": "physical", "price": "34.5000",
            "sale_price": "0.0000", "inventory_level": 52, "is_visible": true, "categories": [2],
            "weight": "0.3100", "date_created": "Wed, 18 Feb 2026 10:30:00 +0000",
        },
        {
            "name": "Head torch, 400 lm", "sku": "TORCH-400", "type": "physical", "price": "44.9000",
            "sale_price": "0.0000", "inventory_level": 0, "is_visible": true, "categories": [3],
            "weight": "0.0800", "date_created": "Tue, 03 Mar 2026 16:12:00 +0000",
        },
        {
            "name": "Trail map (download)", "sku": "MAP-DL", "type": "digital", "price": "9.0000",
            "sale_price": "0.0000", "inventory_level": 0, "is_visible": true, "categories": [],
            "weight": "0.0000", "date_created": "Thu, 09 Apr 2026 07:45:00 +0000",
        },
        {
            "name": "Trekking poles, pair", "sku": "POLES-C", "type": "physical", "price": "79.0000",
            "sale_price": "0.0000", "inventory_level": 23, "is_visible": false, "categories": [4],
            "weight": "0.4600", "date_created": "Fri, 12 Jun 2026 09:00:00 +0000",
        },
    ])
}

fn orders() -> Value {
    json!([
        {
            "customer_id": 1, "status_id": 10, "status": "Completed", "items_total": 2, "total_inc_tax": "223.5000",
            "currency_code": "EUR", "payment_method": "Invoice", "customer_message": "",
            "date_created": "Mon, 07 Sep 2026 18:20:11 +0000",
        },
        {
            "customer_id": 3, "status_id": 11, "status": "Awaiting Fulfillment", "items_total": 1,
            "total_inc_tax": "199.0000", "currency_code": "EUR", "payment_method": "Card",
            "customer_message": "Please ring twice.", "date_created": "Sun, 01 Nov 2026 11:02:45 +0000",
        },
        {
            "customer_id": 2, "status_id": 2, "status": "Shipped", "items_total": 3, "total_inc_tax": "134.7000",
            "currency_code": "EUR", "payment_method": "Card", "customer_message": "",
            "date_created": "Tue, 10 Nov 2026 06:58:03 +0000",
        },
        {
            "customer_id": 1, "status_id": 7, "status": "Awaiting Payment", "items_total": 1,
            "total_inc_tax": "79.0000", "currency_code": "EUR", "payment_method": "Bank transfer",
            "customer_message": "", "date_created": "Wed, 18 Nov 2026 20:14:30 +0000",
        },
    ])
}

fn customers() -> Value {
    json!([
        {
            "first_name": "Ines", "last_name": "Okafor", "company": "", "email": "ines@example.com",
            "phone": "+49 30 5550101", "customer_group_id": 0, "store_credit": "0.0000",
            "date_created": "Sat, 14 Feb 2026 12:00:00 +0000",
        },
        {
            "first_name": "Jonas", "last_name": "Müller", "company": "Müller & Söhne", "email": "jonas@example.net",
            "phone": "+49 89 5550144", "customer_group_id": 2, "store_credit": "25.0000",
            "date_created": "Mon, 04 May 2026 15:41:00 +0000",
        },
        {
            "first_name": "Aoife", "last_name": "O'Brien", "company": "", "email": "aoife@example.org",
            "phone": "", "customer_group_id": 0, "store_credit": "0.0000",
            "date_created": "Thu, 29 Oct 2026 21:09:00 +0000",
        },
    ])
}

fn coupons() -> Value {
    json!([
        {
            "name": "Welcome", "code": "WELCOME5", "type": "per_total_discount", "amount": "5.0000",
            "min_purchase": "50.0000", "enabled": true, "num_uses": 41, "max_uses": 0, "expires": "",
        },
        {
            "name": "Autumn sale", "code": "AUTUMN15", "type": "percentage_discount", "amount": "15.0000",
            "min_purchase": "0.0000", "enabled": true, "num_uses": 7, "max_uses": 200,
            "expires": "Mon, 30 Nov 2026 23:59:59 +0000",
        },
        {
            "name": "Free shipping, spring", "code": "SPRINGSHIP", "type": "free_shipping", "amount": "0.0000",
            "min_purchase": "30.0000", "enabled": false, "num_uses": 118, "max_uses": 0,
            "expires": "Sun, 31 May 2026 23:59:59 +0000",
        },
    ])
}
