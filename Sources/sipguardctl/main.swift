print("sipguardctl")
